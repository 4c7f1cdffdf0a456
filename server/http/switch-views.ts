import { z } from 'zod';
import type { Pi } from '../../core/pi.ts';
import type { SwitchRecord } from '../../db/switches.ts';
import type { SwitchKind } from '../power/switches/kind.ts';
import { findSwitchKind } from '../power/switches/kinds.ts';
import type { TakenSurvey } from '../power/switches/questions.ts';
import { addressOf } from '../power/switches/settings.ts';
import { isManufactured } from '../power/switches/whereabouts.ts';
import type { SwitchInfo, SwitchPort } from '../schema/switch.ts';
import type { ApiPorts } from './api.ts';
import { iso } from './operation-views.ts';

/** A switch as the API shows it: of its secrets only that they are there. */
export function switchInfo(
  { name, kind, notes, settings, createdAt }: SwitchRecord,
  { boundPis, ports }: { boundPis: number; ports: Pick<ApiPorts, 'switches' | 'questions' | 'switchKinds'> },
): SwitchInfo {
  const state = ports.switches.state(name);
  const survey = ports.questions.last(name);
  const fault = state?.fault ?? ports.questions.failure(name);
  const secrets = findSwitchKind(kind, ports.switchKinds)?.secrets ?? [];
  const isRead = state !== undefined && (state.fault === undefined || state.secrets.length > 0);
  return {
    name,
    kind,
    settings: { ...settings },
    secrets: isRead ? Object.fromEntries(secrets.map((one) => [one, state.secrets.includes(one)])) : {},
    ...(notes === '' ? {} : { notes }),
    createdAt: iso(createdAt),
    boundPis,
    ...(fault === undefined ? {} : { fault }),
    ...(survey === undefined ? {} : { description: survey.description, surveyedAt: iso(survey.at) }),
  };
}

/** A kind with the JSON Schema of its settings, in which secrets are marked as never read back. */
export function kindInfo(kind: SwitchKind) {
  const { name, title, secrets, settings } = kind;
  const { $schema: _, ...schema } = z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any' });
  const properties = Object.entries(schema.properties ?? {}).map(([key, value]) => [
    key,
    secrets.includes(key) && typeof value === 'object' ? { ...value, writeOnly: true } : value,
  ]);
  return {
    name,
    title,
    secrets: [...secrets],
    address: [...addressOf(kind)],
    settings: { ...schema, properties: Object.fromEntries(properties) },
  };
}

/** The ports of the switch `name`, each with the Pi that is bound to it and those that were found on it. */
export function portShapes(name: string, survey: TakenSurvey, pis: readonly Pi[]): SwitchPort[] {
  const bound = new Map(pis.flatMap(({ id, port }) => (port?.switch === name ? [[port.port, id] as const] : [])));
  const boards = new Map(pis.flatMap(({ id, mac }) => (mac ? [[mac as string, id] as const] : [])));
  return survey.ports.map(({ macs, ...reading }) => {
    const pi = bound.get(reading.port);
    return {
      ...reading,
      ...(macs ? { macs: [...macs] } : {}),
      ...(pi ? { pi } : {}),
      found: (macs ?? []).flatMap((mac) => boards.get(mac) ?? []),
      ...(macs && macs.filter(isManufactured).length > 1 ? { uplink: true } : {}),
    };
  });
}
