/** Versions of finit, as its releases are named: `4.9` is older than `4.12`, and `5.0-dev` than `5.0`. */

/** Negative when `a` is older than `b`, positive when it is newer, 0 when they are the same. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  for (let i = 0; i < Math.max(left.numbers.length, right.numbers.length); i++) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  // Before the release: 5.0-dev, 4.13-rc1.
  return (
    Number(right.suffix !== '') - Number(left.suffix !== '') ||
    (left.suffix < right.suffix ? -1 : Number(left.suffix > right.suffix))
  );
}

function parse(version: string): { numbers: number[]; suffix: string } {
  const [, digits = '', suffix = ''] = /^v?([\d.]*)(.*)$/.exec(version) ?? [];
  return { numbers: digits.split('.').map(Number), suffix };
}

/**
 * Whether a finit that is one of these versions has what came with `since`.
 * @returns undefined when that cannot be told: nothing is known of the version, or some have it and some have not.
 */
export function hasSince(candidates: readonly string[], since: string): boolean | undefined {
  const [first, ...others] = candidates.map(
    (version) => compareVersions(version, since) >= 0 || version.startsWith(`${since}-`),
  );
  return others.every((other) => other === first) ? first : undefined;
}
