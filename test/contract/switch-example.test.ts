import { switchKind } from '../lab/switches/example-driver.ts';
import { makeExampleBench } from './switch-example-bench.ts';
import { switchSuite } from './switch-suite.ts';

switchSuite('example', makeExampleBench(switchKind), { leavesOut: ['several ports'] });
