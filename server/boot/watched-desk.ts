import type { BootDesk } from './desk.ts';
import type { BootWatch } from './recorder.ts';

/** A desk whose requests are told before they are answered. How they end is told by who serves them. */
export function watchedDesk(desk: BootDesk, watch: Pick<BootWatch, 'asked'>): BootDesk {
  return {
    answer(request) {
      watch.asked(request);
      return desk.answer(request);
    },
  };
}

/** The same for HTTP, where who asks for a file gets all of it. */
export function watchedRelayDesk(desk: BootDesk, watch: Pick<BootWatch, 'asked' | 'transferred'>): BootDesk {
  return {
    async answer(request) {
      watch.asked(request);
      const answer = await desk.answer(request);
      const bytes = answer.kind === 'bytes' ? answer.bytes.length : 0;
      watch.transferred(request, { outcome: answer.kind === 'error' ? 'refused' : 'sent', bytes });
      return answer;
    },
  };
}
