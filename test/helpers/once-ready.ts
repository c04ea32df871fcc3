/** For `onOutput` of tsrun: acts once so many ranks have said `@ready`. */
export function onceReady(ranks: number, act: (tsrunPid: number) => void): (text: string, tsrunPid: number) => void {
  let stdout = '';
  let acted = false;
  return (text, tsrunPid) => {
    stdout += text;
    if (acted || (stdout.match(/@ready/g)?.length ?? 0) < ranks) return;
    acted = true;
    act(tsrunPid);
  };
}
