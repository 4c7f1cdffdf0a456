import { parentPort } from 'node:worker_threads';
import '../../../netboot/tftp/worker.ts';

/** The TFTP thread with a fault that a test can call up: the answer `crash` makes it throw. */
parentPort?.on('message', (message: { answer?: { message?: string } }) => {
  if (message.answer?.message === 'crash') throw new Error('the test made the thread fail');
});
