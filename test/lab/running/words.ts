import type { LabBoard } from './boards.ts';

/** What the lab's server is labelled with: in every answer, page and line of its log. */
export const LAB_LABEL = 'lab: virtual Pis, nothing here is real';

/** The name of the lab's bakeform. */
export const SAMPLE = 'sample';

/** What a person reads when a lab is up; the last line is for programs. */
export function labIsUp(lab: {
  /** `http://127.0.0.1:8080` */
  readonly base: string;
  readonly token: string;
  readonly boards: readonly LabBoard[];
  /** What the Pis' power comes from. */
  readonly power: string;
}): string[] {
  const { base, token, boards, power } = lab;
  const first = boards[0]?.serial ?? '';
  const api = `${base}/api/v1`;
  return [
    `LAB    ${boards.length} virtual Pis, and nothing real: no packet leaves this machine. Ctrl-C ends all of it`,
    `docs   ${base}/docs   (Authorize: the token)`,
    `api    ${api}`,
    `token  ${token}`,
    `power  ${power}`,
    `pis    ${boards.map(({ name, serial, title }) => `${name} ${serial} (${title})`).join(', ')}`,
    '',
    'In another terminal:',
    `  API=${api} AUTH='Authorization: Bearer ${token}'`,
    '  # bake a Pi and switch it on',
    `  curl -sS -H "$AUTH" -d '{"bakeformName":"${SAMPLE}","piId":"${first}","power":"on"}' $API/fridge`,
    '  # watch how far its boot came',
    `  curl -sS -H "$AUTH" "$API/pis/${first}/boots?limit=1"`,
    '  # switch it off and on again',
    `  curl -sS -H "$AUTH" -d '{"action":"cycle"}' $API/pis/${first}/power`,
    '',
    `bakery lab ready ${api}`,
  ];
}

/** A line of what a Pi does. */
export function piLine({ name, title }: LabBoard, words: string): string {
  return `[lab] ${name} (${title}): ${words}`;
}
