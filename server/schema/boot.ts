import { z } from 'zod';
import { BOOT_STAGES } from '../../core/boot.ts';
import { NextCursor } from './page.ts';

const Stage = z.enum(BOOT_STAGES);

/** What is to be said of a boot. */
const DiagnosisInfo = z
  .object({
    code: z.string().meta({ description: 'in docs/netboot.md', example: 'kernel-missing' }),
    text: z.string().meta({ description: 'where it is, or stopped' }),
    causes: z
      .array(z.object({ code: z.string().meta({ example: 'no-kernel' }), text: z.string() }))
      .meta({ description: 'what makes a boot stop there, the likeliest first' }),
    next: z.string().optional().meta({ description: 'the next thing to check; absent where all is well' }),
  })
  .meta({ id: 'Diagnosis' });

/** One attempt of a Pi to boot. */
export const BootInfo = z
  .object({
    id: z.string().meta({ example: '0a8f3c52-8a0f-4a53-9d3e-0d6a4e1c7b12' }),
    pi: z.string(),
    state: z.enum(['under-way', 'up', 'stopped']).meta({
      description: 'stopped: it ended before its root was mounted, or has been silent for longer than its stage takes',
    }),
    stage: Stage.optional().meta({ description: 'the furthest that was seen; absent when its power never came' }),
    startedAt: z.iso.datetime(),
    heardAt: z.iso.datetime().meta({ description: 'its last sign' }),
    endedAt: z.iso.datetime().optional(),
    endedBy: z.enum(['next', 'off']).optional().meta({ description: 'the next attempt began, or its power was taken' }),
    stages: z
      .array(z.object({ stage: Stage, at: z.iso.datetime() }))
      .meta({ description: 'those that were seen, in their order' }),
    files: z.int().meta({ description: 'files it got whole' }),
    bytes: z.int().meta({ description: 'of all files, also of those that broke off' }),
    misses: z.int().meta({ description: 'requests for files that there are not; half of what firmware asks for' }),
    missed: z.array(z.string()).meta({ description: 'the first of them, by name' }),
    lastFile: z.string().optional(),
    diagnosis: DiagnosisInfo,
  })
  .meta({ id: 'Boot' });
export type BootInfo = z.output<typeof BootInfo>;

/** What POST /pis/{piId}/ready takes. */
export const ReadyReport = z
  .object({
    time: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: "what the Pi's clock says; one that is wrong is told in the diagnosis" }),
  })
  .meta({ id: 'ReadyReport' });

/** A page of the boots of a Pi, newest first. */
export const BootPage = z.object({ boots: z.array(BootInfo), next: NextCursor }).meta({ id: 'BootPage' });
