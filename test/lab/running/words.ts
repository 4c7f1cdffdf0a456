import type { LabBoard } from './boards.ts';

/** What the lab's server is labelled with: in every answer, page and line of its log. */
export function labelOf({ isWhole }: { readonly isWhole: boolean }): string {
  return isWhole
    ? 'lab: virtual Pis, nothing here is real'
    : 'lab without root: virtual Pis; no DHCP, no NFS, no bakes';
}

/** The name of the lab's bakeform. */
export const SAMPLE = 'sample';

/** The name of the bakeform that an emulated Pi boots from; it is Debian's kernel with a small root. */
export const EMULATED = 'pi3';

/** What a person reads when a lab is up; the last line is for programs. */
export function labIsUp(lab: {
  /** `http://127.0.0.1:8080` */
  readonly base: string;
  readonly token: string;
  readonly boards: readonly LabBoard[];
  /** What the Pis' power comes from. */
  readonly power: string;
  /** False without root. */
  readonly isWhole: boolean;
  /** The first Pi is an emulated one. */
  readonly isEmulated: boolean;
}): string[] {
  const { base, token, boards, power, isWhole, isEmulated } = lab;
  const first = boards[0]?.serial ?? '';
  const api = `${base}/api/v1`;
  const what = isWhole
    ? [`LAB    ${boards.length} virtual Pis, and nothing real: no packet leaves this machine. Ctrl-C ends all of it`]
    : [
        `LAB    ${boards.length} virtual Pis without root: there is no DHCP and no NFS, and nothing can be baked.`,
        '       Pis come into the fridge, are switched, and their boots are told. As root it has all of it.',
      ];
  const begin = isWhole
    ? [
        '  # bake a Pi and switch it on',
        `  curl -sS -H "$AUTH" -d '{"bakeformName":"${isEmulated ? EMULATED : SAMPLE}","piId":"${first}","power":"on"}' $API/fridge`,
      ]
    : [
        '  # the Pis that came by themselves',
        '  curl -sS -H "$AUTH" $API/fridge',
        '  # one that is not baked may be switched on in maintenance alone',
        `  curl -sS -H "$AUTH" -X PATCH -d '{"maintenance":true}' $API/pis/${first}`,
      ];
  return [
    ...what,
    `docs   ${base}/docs   (Authorize: the token)`,
    `api    ${api}`,
    `token  ${token}`,
    `power  ${power}`,
    `pis    ${boards.map(({ name, serial, title }) => `${name} ${serial} (${title})`).join(', ')}`,
    '',
    'In another terminal:',
    `  API=${api} AUTH='Authorization: Bearer ${token}'`,
    ...begin,
    '  # watch how far its boot came',
    `  curl -sS -H "$AUTH" "$API/pis/${first}/boots?limit=1"`,
    ...(isEmulated
      ? ['  # what it prints on its serial console', `  curl -sS -H "$AUTH" $API/pis/${first}/console`]
      : []),
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
