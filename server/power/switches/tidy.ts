import { parseMac } from '../../../core/ids.ts';
import type { PortReading, SwitchSurvey } from './kind.ts';

/** What is kept of one survey; a stack of nine switches with 52 ports each is below. */
const MOST_PORTS = 512;
const MOST_MACS = 64;
const LONGEST_PORT = 64;
const LONGEST_TEXT = 200;

const watts = (value: number | undefined) =>
  value !== undefined && Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined;
const cut = (text: string) =>
  text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, LONGEST_TEXT);

function tidyPort(reading: PortReading): PortReading {
  const { port, label, power, delivers, link, macs } = reading;
  const milliwatts = watts(reading.milliwatts);
  return {
    port,
    power,
    ...(label === undefined || cut(label) === '' ? {} : { label: cut(label) }),
    ...(delivers === undefined ? {} : { delivers }),
    ...(milliwatts === undefined ? {} : { milliwatts }),
    ...(link === undefined ? {} : { link }),
    ...(macs === undefined
      ? {}
      : { macs: [...new Set(macs.slice(0, MOST_MACS).flatMap((mac) => parseMac(mac) ?? []))] }),
  };
}

/** A survey in its bounds, whatever its driver makes of what its switch says: each port once, addresses of single stations, texts on one line. */
export function tidySurvey(survey: SwitchSurvey): SwitchSurvey {
  const ports = new Map<string, PortReading>();
  for (const reading of survey.ports) {
    const isGood = reading.port !== '' && reading.port.length <= LONGEST_PORT && !/\p{Cc}/u.test(reading.port);
    if (isGood && !ports.has(reading.port) && ports.size < MOST_PORTS) ports.set(reading.port, tidyPort(reading));
  }
  const limit = watts(survey.budget?.limitMilliwatts);
  const used = watts(survey.budget?.usedMilliwatts);
  return {
    description: cut(survey.description),
    ports: [...ports.values()],
    ...(limit === undefined || used === undefined ? {} : { budget: { limitMilliwatts: limit, usedMilliwatts: used } }),
  };
}
