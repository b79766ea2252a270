// Numbers as a reader likes them: four decimals, a true minus sign, a power of ten only where it is needed.

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Write a number with so many decimals; 0.0000123 becomes 1.2300·10⁻⁵. */
export function written(number, decimals = 4) {
  if (Number.isNaN(number)) {
    return "not a number";
  }
  const size = Math.abs(number);
  if (size === 0) {
    return "0";
  }
  if (size === Infinity) {
    return number < 0 ? "−∞" : "∞";
  }
  if (size >= 10 ** -decimals * 5 && size < 1e5) {
    return number.toFixed(decimals).replace("-", "−");
  }
  const [mantissa, exponent] = number.toExponential(Math.min(decimals, 2)).split("e");
  return `${mantissa.replace("-", "−")}·10${raised(exponent)}`;
}

/** Write a share of one in percent. */
export function percent(share) {
  if (Number.isNaN(share)) {
    return written(share);
  }
  if (share > 0 && share < 0.0001) {
    return "< 0.01 %";
  }
  if (share > 0.9999 && share < 1) {
    return "> 99.99 %";
  }
  return `${(100 * share).toFixed(share === 1 ? 0 : 2)} %`;
}

/** Write a count with a comma between thousands. `toLocaleString` would load the tables of all languages first. */
export function counted(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Write a whole number as an exponent. */
function raised(exponent) {
  return [...exponent.replace("+", "")].map((sign) => RAISED[sign] ?? "⁻").join("");
}
