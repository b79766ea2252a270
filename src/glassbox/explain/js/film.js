// A run as a film: the states that it went through, every one at first, then fewer and fewer, so that a long run fits.

const ALL_AT_FIRST = 32; // steps of which every state is kept

/** The states are never changed, so that a frame is the state itself. */
export class Film {
  constructor() {
    this.frames = [];
  }

  /** Keep a state if its turn has come: between 32 and 64 steps every second one, then every fourth, and so on. */
  take(state) {
    const gap = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, state.step) / (ALL_AT_FIRST / 2))));
    if (state.step % gap === 0) {
      this.frames.push(state);
    }
  }

  /** The last frame that is no later than a step, by its number. */
  at(step) {
    const later = this.frames.findIndex((frame) => frame.step > step);
    return (later < 0 ? this.frames.length : later) - 1;
  }
}
