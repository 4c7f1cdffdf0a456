/** All that a driver of switches needs, in one place: what a module outside of Bakery imports (external.ts). */
export { z } from 'zod';
export { PowerFault } from '../driver.ts';
export { defineSwitchKind, type PortPower, type PortReading, type PowerSwitch, type SwitchSurvey } from './kind.ts';
export { createWebClient, parseAnswer } from './web-client.ts';
