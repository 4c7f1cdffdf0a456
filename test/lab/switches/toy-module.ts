/** The tests' kind of switches as a module of an operator, for a server that is started by server/main.ts. */
export { toyKind as switchKind } from './toy-kind.ts';
