import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { BakeryError, describeError } from '../../core/errors.ts';

/** Beside an image there may be a note, a licence, a checksum. */
const MOST_ENTRIES = 1_000;

/** The image among the files of a zip: the only one called `.img`, or the only one there is; undefined: none, or more than one. */
export function imageAmong<E extends Pick<Entry, 'fileName'>>(entries: readonly E[]): E | undefined {
  const files = entries.filter(({ fileName }) => !/\/$|^__MACOSX\//.test(fileName));
  const images = files.filter(({ fileName }) => /\.img$/i.test(fileName));
  const [only, second] = images.length > 0 ? images : files;
  return second === undefined ? only : undefined;
}

function damaged(cause: unknown): BakeryError {
  const detail = describeError(cause);
  return new BakeryError('invalid', 'image-unpack-failed', 'the zip is damaged, or not whole', { cause, detail });
}

/** Its errors have no code; those of the system and of zlib have one, and are told apart by who asked. */
function blameZip(error: unknown): unknown {
  return error instanceof Error && !(error instanceof BakeryError) && !('code' in error) ? damaged(error) : error;
}

async function findImage(zip: ZipFile): Promise<Entry> {
  const entries: Entry[] = [];
  for await (const entry of zip.eachEntry()) {
    if (entries.length >= MOST_ENTRIES) break;
    entries.push(entry);
  }
  const image = imageAmong(entries);
  if (!image || zip.entryCount > MOST_ENTRIES) {
    throw new BakeryError('invalid', 'archive-unknown', 'the zip holds no image, or more than one');
  }
  if (image.isEncrypted() || !image.canDecodeFileData()) {
    const how = image.isEncrypted() ? 'encrypted' : `packed with method ${image.compressionMethod}`;
    throw new BakeryError('invalid', 'image-unpack-failed', `the image in the zip is ${how}: only deflate is known`);
  }
  return image;
}

/**
 * The bytes of the one image in a zip (APPNOTE.TXT 6.3), as the central directory at its end says where they are. It may be a ZIP64.
 * @throws BakeryError `archive-unknown`, `image-unpack-failed` (invalid), also where the CRC-32 is another; zlib's and the system's errors.
 */
export async function* readZippedImage(
  file: string,
  onBytes?: (done: number, total: number) => void,
): AsyncGenerator<Uint8Array> {
  try {
    const zip = await openPromise(file, { lazyEntries: true, autoClose: false });
    try {
      const image = await findImage(zip);
      let [sum, done] = [0, 0];
      for await (const chunk of (await zip.openReadStreamPromise(image)) as AsyncIterable<Uint8Array>) {
        sum = crc32(chunk, sum);
        done += chunk.length;
        yield chunk;
        onBytes?.(done, image.uncompressedSize);
      }
      if (sum !== image.crc32) throw damaged(new Error('the CRC-32 of the image is another'));
    } finally {
      zip.close();
    }
  } catch (error) {
    throw blameZip(error);
  }
}
