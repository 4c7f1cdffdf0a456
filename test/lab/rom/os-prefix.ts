import { type Board, type BootChoice, chooseBoot, type Settings } from './config-txt.ts';

/**
 * What is booted once the firmware has looked whether os_prefix leads anywhere (Raspberry Pi documentation, "config.txt": os_prefix):
 * "unless the expected kernel and .dtb can be found at the new location/name, the prefix is ignored"; overlays have it in front only
 * when a README is there too. `exists` probes a file of the boot folder. In which order a real board probes is not documented.
 */
export async function settleBoot(
  settings: Settings,
  board: Board,
  exists: (name: string) => Promise<boolean>,
): Promise<BootChoice> {
  const wished = chooseBoot(settings, board);
  if (wished.osPrefix === '') return wished;
  const has = async (names: readonly string[]) => {
    for (const name of names) if (await exists(name)) return true;
    return false;
  };
  if (!(await has(wished.kernels)) || !(await exists(wished.deviceTree)))
    return chooseBoot(settings, board, { osPrefix: true });
  if (await exists(`${wished.overlayPrefix}README`)) return wished;
  return chooseBoot(settings, board, { overlayPrefix: true });
}
