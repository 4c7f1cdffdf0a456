import { makeSnmp2cBench, makeSnmpBench } from './switch-snmp-bench.ts';
import { switchSuite } from './switch-suite.ts';

switchSuite('snmp-poe by version 3', makeSnmpBench);
switchSuite('snmp-poe by version 2c', makeSnmp2cBench, { leavesOut: ['wrong credential'] });
