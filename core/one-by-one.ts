/**
 * What is given to the function that this returns is run one after the other, in the order it came, whether or not the one before has failed;
 * each is answered as it ended.
 */
export function oneByOne(): <T>(act: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const mine = last.then(act);
    last = mine.catch(() => undefined);
    return mine;
  };
}
