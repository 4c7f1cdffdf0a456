import { CALLS, type GoAnswer, type GoClient, type GoDisk, type GoPi } from './go-bakery-client.ts';
import type { GoCall } from './go-wire.ts';

/** The one code that each call takes for success. */
const SUCCESS: Readonly<Partial<Record<keyof typeof CALLS, number>>> = {
  bakePi: 202,
  uploadBakeform: 201,
  createDisk: 201,
};

interface AgentSettings {
  readonly agent_id: string;
  readonly disks: { readonly persistent: Readonly<Record<string, string>> };
}

/** How often it asks whether a Pi is ready; the CPI does every 4 s. */
const POLL_MS = 50;

/** The methods that BOSH calls, made of the client's calls as PiFoundry/bakery-cpi makes them of its own. */
export class BoshCpi {
  readonly #go: GoClient;

  constructor(go: GoClient) {
    this.#go = go;
  }

  /** @throws Error with the text in which the CPI looks for codes. */
  async #call(name: keyof typeof CALLS, call: GoCall): Promise<GoAnswer> {
    const answer = await this.#go.do(call);
    if (answer.status !== (SUCCESS[name] ?? 200)) {
      throw new Error(`${name[0]?.toUpperCase()}${name.slice(1)} returned status code ${answer.status}`);
    }
    return answer;
  }

  /** Uploads; when the name is taken it is deleted and uploaded again. */
  async createStemcell(name: string, image: Uint8Array): Promise<string> {
    const upload = async () => {
      const { body } = await this.#call('uploadBakeform', CALLS.uploadBakeform(name, image));
      return (body as { name: string }).name;
    };
    try {
      return await upload();
    } catch (error) {
      if (!String(error).includes('403')) throw error;
      await this.deleteStemcell(name);
      return upload();
    }
  }

  async deleteStemcell(name: string): Promise<void> {
    await this.#call('deleteBakeform', CALLS.deleteBakeform(name));
  }

  /** Rolls back by an unbake when anything goes wrong once it has a Pi. */
  async createVm(stemcell: string, wish: { agent: string; ephemeralMiB: number }): Promise<string> {
    const { id } = (await this.#call('bakePi', CALLS.bakePi(stemcell))).body as GoPi;
    try {
      while (!(await this.hasVm(id))) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      const ephemeral = await this.createDisk(wish.ephemeralMiB);
      await this.#call('attachDisk', CALLS.attachDisk(id, ephemeral));
      await this.#configure(id, { agent_id: wish.agent, disks: { persistent: {} } });
      await this.rebootVm(id);
      return id;
    } catch (error) {
      await this.#go.do(CALLS.unbakePi(id));
      throw error;
    }
  }

  async #configure(vm: string, settings: AgentSettings): Promise<void> {
    const pi = (await this.#call('getPi', CALLS.getPi(vm))).body as GoPi;
    const files = { 'settings.json': settings, 'disks.json': pi.disks?.slice(1) };
    for (const [name, content] of Object.entries(files)) {
      await this.#call('uploadFile', CALLS.uploadFile(vm, name, JSON.stringify(content)));
    }
  }

  /** After a disk came or went: the settings are fetched, changed and put back. */
  async #reconfigure(vm: string): Promise<void> {
    const { bytes } = await this.#call('downloadFile', CALLS.downloadFile(vm, 'settings.json'));
    const settings = JSON.parse(bytes.toString('utf8')) as AgentSettings;
    const [, ...persistent] = await this.getDisks(vm);
    const paths = Object.fromEntries(persistent.map((disk, i) => [disk, `/dev/mapper/loop${i + 1}`]));
    await this.#configure(vm, { ...settings, disks: { persistent: paths } });
  }

  /** Any other code than 200 means no too. */
  async hasVm(vm: string): Promise<boolean> {
    const answer = await this.#go.do(CALLS.getPi(vm));
    return answer.status === 200 && (answer.body as GoPi).status === 2;
  }

  async deleteVm(vm: string): Promise<void> {
    await this.#call('unbakePi', CALLS.unbakePi(vm));
  }

  async rebootVm(vm: string): Promise<void> {
    await this.#call('powercyclePi', CALLS.powercyclePi(vm));
  }

  /** Without the root. */
  async getDisks(vm: string): Promise<string[]> {
    const { disks = [] } = (await this.#call('getPi', CALLS.getPi(vm))).body as GoPi;
    return disks.slice(1).map(({ id }) => id);
  }

  async createDisk(sizeMiB: number): Promise<string> {
    return ((await this.#call('createDisk', CALLS.createDisk(sizeMiB))).body as GoDisk).id;
  }

  async hasDisk(disk: string): Promise<boolean> {
    return (await this.#go.do(CALLS.getDisk(disk))).status === 200;
  }

  async attachDisk(vm: string, disk: string): Promise<void> {
    await this.#call('attachDisk', CALLS.attachDisk(vm, disk));
    await this.#reconfigure(vm);
  }

  async detachDisk(vm: string, disk: string): Promise<void> {
    await this.#call('detachDisk', CALLS.detachDisk(vm, disk));
    await this.#reconfigure(vm);
  }

  async deleteDisk(disk: string): Promise<void> {
    await this.#call('deleteDisk', CALLS.deleteDisk(disk));
  }
}
