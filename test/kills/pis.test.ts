import { killSuite } from './suite.ts';

killSuite(import.meta.url, ['bake', 'unbake', 'attach', 'detach', 'release']);
