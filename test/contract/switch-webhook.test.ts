import { switchSuite } from './switch-suite.ts';
import { makeWebhookBench } from './switch-webhook-bench.ts';

switchSuite('webhook', makeWebhookBench, { leavesOut: ['several ports'] });
