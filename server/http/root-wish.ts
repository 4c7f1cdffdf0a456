import { requireBakeformName } from '../../core/ids.ts';
import { parseSize } from '../../core/size.ts';
import { requireAuthorizedKey } from '../../core/ssh-key.ts';
import { requireUserData } from '../../core/user-data.ts';
import { type KeptRootWish, keepWish, type RootWish } from '../operations/new-root.ts';
import type { NewRootWish } from '../schema/bake.ts';

/** Codes of a wish that cannot be met. */
export const ROOT_WISH_PROBLEMS = ['bad-authorized-key', 'bad-user-data', 'root-too-small'] as const;

/** What a request wishes of a new root. @throws BakeryError `bad-authorized-key`, `bad-user-data` (invalid). */
export function rootWishOf({ rootSize, user, authorizedKeys, userData }: NewRootWish): RootWish {
  return {
    rootBytes: rootSize === undefined ? undefined : parseSize(rootSize),
    user,
    authorizedKeys: authorizedKeys?.map(requireAuthorizedKey),
    userData: userData === undefined ? undefined : requireUserData(userData),
  };
}

/** The same, as the journal keeps it until each of many roots is planned. @throws BakeryError `bad-bakeform-name` (invalid). */
export function keptWishOf(request: NewRootWish): KeptRootWish {
  return { bakeform: requireBakeformName(request.bakeformName), ...keepWish(rootWishOf(request)) };
}
