(() => {
  "use strict";
  // ln Gamma by Lanczos (g = 7, nine terms).
  const lanczos = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
    1.5056327351493116e-7];
  const lnGamma = (x) => {
    let sum = lanczos[0];
    for (let i = 1; i < 9; i += 1) sum += lanczos[i] / (x - 1 + i);
    const t = x + 6.5;
    return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
  };
  // Continued fraction of the incomplete beta integral, by Lentz's method.
  const fraction = (a, b, x) => {
    const tiny = 1e-300;
    let c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    let h = d;
    for (let m = 1; m < 2000; m += 1) {
      for (const term of [m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
        -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))]) {
        d = 1 + term * d; d = 1 / (Math.abs(d) < tiny ? tiny : d);
        c = 1 + term / c; c = Math.abs(c) < tiny ? tiny : c;
        h *= d * c;
      }
      if (Math.abs(d * c - 1) < 1e-15) break;
    }
    return h;
  };
  const beta = (a, b, x) => {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    const front = Math.exp(lnGamma(a + b) - lnGamma(a) - lnGamma(b)
      + a * Math.log(x) + b * Math.log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * fraction(a, b, x) / a
      : 1 - front * fraction(b, a, 1 - x) / b;
  };
  // Upper tail of the normal: a series near zero, a continued fraction beyond.
  const normalTail = (z) => {
    if (z < 0) return 1 - normalTail(-z);
    const density = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
    if (z < 3) {
      let term = z, sum = z;
      for (let k = 1; k < 200 && term > 1e-17 * sum; k += 1) sum += (term *= z * z / (2 * k + 1));
      return 0.5 - density * sum;
    }
    let h = z;
    for (let k = 200; k > 0; k -= 1) h = z + k / h;
    return density / h;
  };
  const lower = (t, df) => {
    if (t === Infinity) return 1;
    if (t === -Infinity) return 0;
    const tail = df === null ? normalTail(Math.abs(t)) : 0.5 * beta(df / 2, 0.5, df / (df + t * t));
    return t > 0 ? 1 - tail : tail;
  };
  const inside = (p, estimate, error, bound, df) => {
    const over = (estimate - bound) / error, under = (estimate + bound) / error;
    const above = lower(-over, df), below = lower(under, df);
    return { "+": above, "-": below, "<=0": lower(over, df), ">=0": lower(-under, df),
      "0": Math.max(lower(over, df), lower(-under, df)),
      "!=0": Math.min(1, 2 * Math.min(above, below)), "any": 0 }[p];
  };
  const opposite = { "+": "<=0", "-": ">=0", "0": "!=0", "!=0": "0", "<=0": "+", ">=0": "-" };
  const outside = (p, ...rest) => (p === "any" ? 1 : inside(opposite[p], ...rest));
  const best = { "+": Infinity, ">=0": Infinity, "!=0": Infinity, "-": -Infinity, "<=0": -Infinity };
  const outcome = (p, against, level) => (p < level ? "established"
    : against < level ? "contradicted" : "undecided");
  const shown = (p) => (p < 0.001 ? "<0.001" : p.toFixed(3));
  const brief = (value) => String(Number(value.toPrecision(3)));

  for (const root of document.querySelectorAll(".explorer")) {
    const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    const margins = data.parts.map((part) => part.margin);
    const put = (name, text, tone, exact) => {
      const cell = root.querySelector(`[data-out="${name}"]`);
      if (!cell) return;
      cell.textContent = text;
      if (tone) cell.className = `outcome ${tone}`;
      if (exact !== undefined) cell.dataset.value = exact;
    };
    const refresh = () => {
      const established = [], refused = [];
      data.patterns.forEach((pattern, k) => {
        let p = 0, against = 1, attainable = 0;
        data.parts.forEach((part, j) => {
          const sign = pattern.predictions[j];
          const rest = [part.error, margins[j], part.df];
          const yes = inside(sign, part.estimate, ...rest);
          const no = outside(sign, part.estimate, ...rest);
          p = Math.max(p, yes);
          against = Math.min(against, no);
          attainable = Math.max(attainable, inside(sign, best[sign] ?? 0, ...rest));
          const word = outcome(yes, no, data.level);
          put(`part-${j}-${k}`, word, word);
        });
        against = Math.min(1, data.parts.length * against);
        const word = outcome(p, against, data.level);
        put(`p-${k}`, shown(p), "", p);
        put(`against-${k}`, shown(against), "", against);
        put(`attainable-${k}`, shown(attainable), "", attainable);
        put(`outcome-${k}`, word === "undecided" && attainable >= data.level
          ? "could not have been established" : word, word);
        if (p < data.level) established.push(pattern.name);
        if (against < data.level) refused.push(pattern.name);
      });
      const first = established[0];
      put("verdict", first !== undefined ? (first === data.nothing ? "no effect" : first)
        : refused.length === data.patterns.length ? "neither" : "undecided");
    };
    const fields = [];
    data.parts.forEach((part, j) => {
      const cell = root.querySelector(`[data-margin="${j}"]`);
      const slider = Object.assign(document.createElement("input"), { type: "range", min: -3, max: 3,
        step: 0.01, value: 0, title: "From an eighth of the declared margin to eight times" });
      const field = Object.assign(document.createElement("input"), { type: "number", min: 0,
        step: "any", value: part.margin });
      slider.setAttribute("aria-label", `Margin of ${part.name}, by factor`);
      field.setAttribute("aria-label", `Margin of ${part.name}`);
      const set = (value, from) => {
        if (!(value > 0)) return;
        margins[j] = value;
        if (from !== field) field.value = brief(value);
        if (from !== slider) slider.value = Math.log2(value / part.margin);
        refresh();
      };
      slider.addEventListener("input", () => set(part.margin * 2 ** Number(slider.value), slider));
      field.addEventListener("input", () => set(Number(field.value), field));
      cell.replaceChildren(field, slider);
      fields.push(() => { set(part.margin); field.value = part.margin; });
    });
    const button = Object.assign(document.createElement("button"), { type: "button",
      textContent: "Back to the declared margins" });
    button.addEventListener("click", () => fields.forEach((reset) => reset()));
    root.querySelector(".controls").append(button);
    root.classList.add("live");
    refresh();
  }
})();
