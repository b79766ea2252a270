// What a run is doing, in sentences that are computed from it.
import { written } from "./numbers.js";

const CHANCE_SHARE = 0.2; // of the test digits: below it a network that reads ten classes is near chance
const LEFT = 0.3; // from here on it has left chance

/** Words for an evaluation; `past` are all up to it, the first at step 0, each with its `step`. */
export function tell({ settings, hasDiverged }, past) {
  const now = past.at(-1);
  if (hasDiverged) {
    return (
      `With this step the weights ceased to be finite numbers after step ${now.step}. ` +
      "The step is too long: choose a smaller one."
    );
  }
  const count = now.labels.length;
  const dead = now.silence.find(({ silent, count: all }) => silent === all);
  if (dead) {
    return (
      `All ${dead.count} ${dead.name === "relu4" ? "units" : "maps"} of ${dead.name} are zero, for each of the ${count} ` +
      "test digits: they are dead. A ReLU that is zero passes no gradient, so nothing before it learns from such a " +
      "digit, and the answer is the same for all of them. A run seldom comes back from there. Press Reset and try a " +
      "smaller step, or another seed."
    );
  }
  if (now.step === 0) {
    return (
      `The weights are random numbers, those that PyTorch draws from seed ${settings.seed}. The network reads ` +
      `${now.correct} of ${count} test digits, about what guessing one of ten gives.`
    );
  }
  return [nearChance(now, past) ?? learning(now, past), silenceOf(now)].filter(Boolean).join(" ");
}

function nearChance(now, past) {
  if (now.share >= CHANCE_SHARE || past.some(({ share }) => share >= LEFT)) {
    return null;
  }
  const [before, after] = [past[0].spread, now.spread];
  const trend =
    after > 1.5 * before
      ? "once it is large enough the loss falls fast."
      : after < before / 10
        ? "the scores have drawn together, and what is learned here is only how common each digit is. Some runs find a way " +
          "out of this; a shorter step or another seed is the quicker one."
        : "until it grows, there is little to tell digits apart by.";
  return (
    "Still near chance: every digit gets almost the same ten scores. From digit to digit a score differs by " +
    `${written(after)} only. At the start it was ${written(before)}; ${trend} The guide line of the loss, 2.30, is what ` +
    "ten equal probabilities cost."
  );
}

function learning(now, past) {
  const left = past.find(({ share }) => share >= LEFT);
  const lowest = past.reduce((best, each) => (each.loss < best.loss ? each : best));
  const since = left ? `It left chance by step ${left.step}.` : "It is leaving chance.";
  const generalizes =
    now.loss > 1.1 * lowest.loss && now.step > lowest.step
      ? `The loss of the test digits was lowest at step ${lowest.step}, ${written(lowest.loss, 2)}, and is now ` +
        `${written(now.loss, 2)}: what it learns from its own digits begins to help less on others.`
      : "None of these digits is among those that it learns from.";
  return `${since} ${worst(now)} ${generalizes}`;
}

/** The pair of classes that is confused most. */
function worst({ confusion }) {
  let most = { count: 0 };
  confusion.forEach((reads, label) =>
    reads.forEach((count, read) => {
      if (read !== label && count > most.count) {
        most = { count, label, read };
      }
    }),
  );
  return most.count === 0 ? "" : `Most often it takes a ${most.label} for a ${most.read}: ${most.count} times.`;
}

/** Units that no test digit wakes. */
function silenceOf({ silence, labels }) {
  const some = silence.filter(({ silent }) => silent > 0);
  if (some.length === 0) {
    return "";
  }
  const list = some.map(({ name, silent, count }) => `${silent} of ${count} in ${name}`).join(", ");
  return `Zero for all ${labels.length} test digits at this step, so that they tell none of them apart: ${list}.`;
}
