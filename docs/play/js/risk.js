// The linear model of part 2 and its risk, as in glassbox.descent.
//
// A point is an array of p + 1 weights, the constant first. Features are n rows of p numbers, targets n numbers.
import { seededRandom } from "./random.js";

/** Prediction for one row: w0 + sum_j w_j x_j. */
export function predictRow(weights, row) {
  return row.reduce((sum, x, j) => sum + weights[j + 1] * x, weights[0]);
}

/** Errors of the rows in `batch` (all of them by default): prediction minus target. */
export function riskErrors(weights, data, batch = data.targets.keys()) {
  return Array.from(batch, (i) => predictRow(weights, data.features[i]) - data.targets[i]);
}

/** Mean of the squared errors. */
export function empiricalRisk(weights, data, batch) {
  const errors = riskErrors(weights, data, batch);
  return errors.reduce((sum, error) => sum + error * error, 0) / errors.length;
}

/** Gradient: dR/dw_j = 2/n sum_i e_i x_ij, with x_i0 = 1. */
export function riskGradient(weights, data, batch = [...data.targets.keys()]) {
  const errors = riskErrors(weights, data, batch);
  return weights.map((_, j) => {
    const sum = batch.reduce((total, i, k) => total + errors[k] * (j === 0 ? 1 : data.features[i][j - 1]), 0);
    return (2 / batch.length) * sum;
  });
}

/** Second derivatives, H = 2/n X'X with a column of ones in X: the same at every point. */
export function riskHessian(features) {
  const rows = features.map((row) => [1, ...row]);
  const columns = rows[0].map((_, j) => j);
  return columns.map((j) => columns.map((k) => (2 / rows.length) * rows.reduce((sum, x) => sum + x[j] * x[k], 0)));
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's rotations: each makes one entry off the diagonal 0.
 * Returns them from the smallest eigenvalue; vectors[k] belongs to values[k].
 */
export function symmetricEigen(matrix) {
  const size = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = a.map((_, i) => a.map((_, j) => Number(i === j)));
  const scale = Math.max(...a.flat().map(Math.abs)) || 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let largest = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        largest = Math.max(largest, Math.abs(a[p][q]));
        if (a[p][q] !== 0) {
          rotateAway(a, v, p, q);
        }
      }
    }
    if (largest <= 1e-15 * scale) {
      break;
    }
  }
  const order = a.map((_, k) => k).sort((i, j) => a[i][i] - a[j][j]);
  return { values: order.map((k) => a[k][k]), vectors: order.map((k) => v.map((row) => row[k])) };
}

function rotateAway(a, v, p, q) {
  const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (const rows of [a, v]) {
    for (const row of rows) {
      [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
    }
  }
  for (let k = 0; k < a.length; k++) {
    [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
  }
}

/** The step from which plain descent no longer settles: 2 / L, L the largest curvature. */
export function stepLimit(features) {
  return 2 / symmetricEigen(riskHessian(features)).values.at(-1);
}

/** The weights of least risk; of several that do equally well, those of least norm. */
export function leastSquares(data) {
  const zeros = [0, ...data.features[0].map(() => 0)];
  const gradient = riskGradient(zeros, data);
  const { values, vectors } = symmetricEigen(riskHessian(data.features));
  const curved = values.map((_, k) => k).filter((k) => values[k] > 1e-10 * values.at(-1));
  const lengths = vectors.map((vector, k) => -dot(vector, gradient) / values[k]);
  return zeros.map((_, j) => curved.reduce((sum, k) => sum + lengths[k] * vectors[k][j], 0));
}

function dot(a, b) {
  return a.reduce((sum, x, j) => sum + x * b[j], 0);
}

/** Mean and standard deviation of every column. */
export function featureScales(features) {
  return features[0].map((_, j) => {
    const column = features.map((row) => row[j]);
    const mean = column.reduce((sum, x) => sum + x, 0) / column.length;
    return { mean, deviation: Math.sqrt(column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / column.length) };
  });
}

/** Every column with mean 0 and standard deviation 1. */
export function standardizeFeatures(features) {
  const scales = featureScales(features);
  return features.map((row) => row.map((x, j) => (x - scales[j].mean) / scales[j].deviation));
}

/** The weights that predict from standardized columns what these predict from the columns as they are. */
export function standardizedWeights([constant, ...weights], features) {
  const scales = featureScales(features);
  const moved = weights.reduce((sum, weight, j) => sum + weight * scales[j].mean, constant);
  return [moved, ...weights.map((weight, j) => weight * scales[j].deviation)];
}

/** The weights for the columns as they are: the inverse of `standardizedWeights`. */
export function unscaledWeights([constant, ...weights], features) {
  const scales = featureScales(features);
  const unscaled = weights.map((weight, j) => weight / scales[j].deviation);
  return [unscaled.reduce((sum, weight, j) => sum - weight * scales[j].mean, constant), ...unscaled];
}

/**
 * The risk over two of the weights, the others held: R = lowest + 1/2 d' H d around its lowest point.
 * Its contour of height r is an ellipse with half axes sqrt(2 (r - lowest) / curvature) along the two directions.
 */
export function riskSlice(weights, data, first, second) {
  const hessian = riskHessian(data.features);
  const pair = [first, second].map((j) => [first, second].map((k) => hessian[j][k]));
  const { values: curvatures, vectors: directions } = symmetricEigen(pair);
  const gradient = riskGradient(weights, data);
  const center = [weights[first], weights[second]];
  let lowest = empiricalRisk(weights, data);
  for (let k = 0; k < 2; k++) {
    const slope = directions[k][0] * gradient[first] + directions[k][1] * gradient[second];
    const way = slope / curvatures[k];
    center[0] -= way * directions[k][0];
    center[1] -= way * directions[k][1];
    lowest -= (slope * way) / 2;
  }
  return { center, lowest, curvatures, directions };
}

/** One move of SGD with momentum, as in glassbox.optim.SGD: v <- mu v + g (g at first), w <- w - step v. */
export function momentumStep(weights, velocity, gradient, step, momentum) {
  const next = velocity === null ? gradient : gradient.map((g, j) => momentum * velocity[j] + g);
  return { weights: weights.map((w, j) => w - step * next[j]), velocity: next };
}

/** The rows 0 ... n - 1 in a random order. */
export function shuffledRows(count, random) {
  const rows = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  return rows;
}

/**
 * A descent that is taken step by step. Iteration 1 is the start. Each epoch goes through the rows once, in a new
 * order, `batchSize` at a time.
 */
export class RiskDescent {
  constructor(data, start, { step, momentum = 0, batchSize = data.targets.length, seed = 0 }) {
    Object.assign(this, { data, step, momentum, batchSize });
    this.random = seededRandom(seed);
    this.waiting = [];
    this.velocity = null;
    this.batch = null;
    this.points = [start];
    this.risks = [empiricalRisk(start, data)];
    this.diverged = false;
  }

  get weights() {
    return this.points.at(-1);
  }

  /** The rows that the next step learns from. */
  drawBatch() {
    const count = this.data.targets.length;
    if (this.batchSize >= count) {
      return [...this.data.targets.keys()];
    }
    if (this.waiting.length === 0) {
      this.waiting = shuffledRows(count, this.random);
    }
    return this.waiting.splice(0, this.batchSize);
  }

  /** Take one step, on the given rows or on the next ones. Past what a number holds, it stays where it is. */
  advance(batch = this.drawBatch()) {
    const gradient = riskGradient(this.weights, this.data, batch);
    const moved = momentumStep(this.weights, this.velocity, gradient, this.step, this.momentum);
    const risk = empiricalRisk(moved.weights, this.data);
    this.diverged = !Number.isFinite(risk);
    if (this.diverged) {
      return false;
    }
    Object.assign(this, { velocity: moved.velocity, batch });
    this.points.push(moved.weights);
    this.risks.push(risk);
    return true;
  }
}
