/** The version that our peers see: what of Apache's behaviour they may expect. V5_3_3. */
export const currentVersion = 479;

/** Versions where the behaviour of peers changes (ordinals of `MQVersion`). */
export const WireVersion = {
  V3_0_7_SNAPSHOT: 28,
  V3_0_11: 37,
  V3_1_8_SNAPSHOT: 62,
  V3_4_9: 121,
  V4_1_0_SNAPSHOT: 232,
  V4_9_4: 401,
  V5_0_0: 413,
  V5_3_1: 475,
  V5_3_3: 479,
} as const;

const firstRegular = 213;
const highest = 612;

/**
 * Apache's name of a version number, such as `V5_3_3`. From V4_0_0 on a release has an odd number
 * and its snapshot the even one below; ten numbers of patches make a minor.
 */
export function versionName(version: number): string {
  if (version >= highest) return 'HIGHER_VERSION';
  if (version < firstRegular) return `V3_${version}`;
  const isSnapshot = version % 2 === 0;
  const steps = (version + (isSnapshot ? 1 : 0) - firstRegular) / 2;
  const name = `V${4 + Math.floor(steps / 100)}_${Math.floor(steps / 10) % 10}_${steps % 10}`;
  return isSnapshot ? `${name}_SNAPSHOT` : name;
}
