// Long work in short slices, so that the page stays alive; none while the page is hidden.

const SLICE = 12; // ms

export class Slices {
  /** `work()` does a little, well below a millisecond or two, and returns false when there is nothing left to do. */
  constructor(work) {
    this.work = work;
    this.isWaiting = false;
    this.channel = new MessageChannel(); // a timer would wait four milliseconds between two slices
    this.channel.port1.onmessage = () => {
      this.isWaiting = false;
      this.slice();
    };
    document.addEventListener("visibilitychange", () => this.wake());
  }

  /** There is something to do. */
  wake() {
    if (!this.isWaiting && !document.hidden) {
      this.isWaiting = true;
      this.channel.port2.postMessage(null);
    }
  }

  slice() {
    const end = performance.now() + SLICE;
    while (performance.now() < end) {
      if (document.hidden || this.work() === false) {
        return;
      }
    }
    this.wake();
  }
}

/** Let the page do what waits, and go on after it: `await` this between two parts of what would be one long task. */
export function breathe() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
