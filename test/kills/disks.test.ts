import { killSuite } from './suite.ts';

killSuite(import.meta.url, ['create-disk', 'delete-disk', 'restore', 'purge', 'upload-bakeform', 'delete-bakeform']);
