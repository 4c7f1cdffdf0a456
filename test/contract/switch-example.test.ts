import { fileURLToPath } from 'node:url';
import { loadSwitchKinds } from '../../server/power/switches/external.ts';
import { SWITCH_KINDS } from '../../server/power/switches/kinds.ts';
import { makeExampleBench } from './switch-example-bench.ts';
import { switchSuite } from './switch-suite.ts';

const driver = fileURLToPath(new URL('../lab/switches/example-driver.ts', import.meta.url));
const [kind] = await loadSwitchKinds([driver], SWITCH_KINDS);
if (!kind) throw new Error('the example is no driver');

switchSuite('of the example, a module of its own', makeExampleBench(kind), { leavesOut: ['several ports'] });
