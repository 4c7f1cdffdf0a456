import { KILLED, killSuite } from './suite.ts';

killSuite(import.meta.url, KILLED.copies);
