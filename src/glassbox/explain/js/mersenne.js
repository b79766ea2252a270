// The random numbers of torch on a CPU: the same seed draws the same initial weights and the same order of examples as
// in Python. The generator is the Mersenne twister of Matsumoto and Nishimura, 1998, https://doi.org/10.1145/272991.272995

const [LENGTH, AHEAD] = [624, 397];

/** Numbers from 0 to 2^32 - 1, as after torch.manual_seed(seed); of the seed the last 32 bits count. */
export function mersenne(seed) {
  const state = new Uint32Array(LENGTH);
  state[0] = seed % 4294967296;
  for (let k = 1; k < LENGTH; k += 1) {
    state[k] = Math.imul(1812433253, state[k - 1] ^ (state[k - 1] >>> 30)) + k;
  }
  let at = LENGTH;
  const twist = () => {
    for (let k = 0; k < LENGTH; k += 1) {
      const bits = (state[k] & 0x80000000) | (state[(k + 1) % LENGTH] & 0x7fffffff);
      state[k] = state[(k + AHEAD) % LENGTH] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
    }
    at = 0;
  };
  return () => {
    if (at === LENGTH) {
      twist();
    }
    let bits = state[at];
    at += 1;
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  };
}

/** Draw float32 numbers between -bound and bound, as torch's uniform_ does. */
export function uniform(draw, count, bound) {
  const [from, to] = [Math.fround(-bound), Math.fround(bound)];
  return Float64Array.from({ length: count }, () =>
    Math.fround(((draw() & 0xffffff) / 0x1000000) * (to - from) + from),
  );
}

/** The order in which an epoch meets the examples: that of glassbox.training, drawn by torch.randperm. */
export function epochOrder(count, seed, epoch) {
  const draw = mersenne(seed * 1_000_003 + epoch);
  const order = Uint32Array.from({ length: count }, (_, k) => k);
  for (let k = 0; k < count - 1; k += 1) {
    const other = k + (draw() % (count - k));
    [order[k], order[other]] = [order[other], order[k]];
  }
  return order;
}
