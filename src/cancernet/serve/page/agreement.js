/* How readers agree with the model and with each other. */

import { askIfAny } from "./api.js";
import { byId, fill, make, percent, show, whole } from "./dom.js";

const DASH = "\u2013";

function kappa({ kappa: value, low, high, reason }) {
  if (value === null || value === undefined) return reason || "too few";
  const interval = low === null || low === undefined ? "" : ` (${low.toFixed(2)} to ${high.toFixed(2)})`;
  return value.toFixed(2) + interval;
}

function rows(found, name) {
  return found.map((each) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, name(each)),
      make("td", {}, whole(each.patches)),
      make("td", {}, each.patients === null || each.patients === undefined ? DASH : whole(each.patients)),
      make("td", {}, whole(each.unsure ?? 0)),
      make("td", {}, each.agreement === null || each.agreement === undefined ? DASH : percent(each.agreement)),
      make("td", {}, kappa(each)),
    ),
  );
}

/* Draw the table anew. */
export async function agreement() {
  const found = await askIfAny("/v1/reviews/agreement");
  const any = found && found.readers.length > 0;
  show(byId("agreement"), any);
  show(byId("no-agreement"), !any);
  if (!any) return;
  const model = rows(found.with_model, ({ reader }) => `${reader} and the model`);
  const between = rows(found.between, ({ first, second }) => `${first} and ${second}`);
  fill(byId("agreement-rows"), ...model, ...between);
  byId("agreement-note").textContent = found.note ?? "";
}
