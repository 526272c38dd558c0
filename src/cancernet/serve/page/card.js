/* The model card: the few forms of Markdown that it has, as elements; nothing in it is run. */

import { make } from "./dom.js";

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:[^)\s]+)\)|\\([\\`*_{}[\]()#+.!|~<>&-])/g;

function inline(text) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    found.push(text.slice(end, match.index));
    const [, code, strong, label, address, plain] = match;
    if (code) found.push(make("code", {}, code));
    else if (strong) found.push(make("strong", {}, strong));
    else if (label) found.push(make("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, label));
    else found.push(plain);
    end = match.index + match[0].length;
  }
  return [...found, text.slice(end)];
}

const cells = (line) =>
  line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((each) => each.trim());

function table(lines, number) {
  const [head, , ...body] = lines.map(cells);
  const named = head.some(Boolean);
  const rows = body.map(([first, ...rest]) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, ...inline(first)),
      rest.map((each) => make("td", {}, ...inline(each))),
    ),
  );
  const top =
    named &&
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        head.map((each) => (each ? make("th", { scope: "col" }, ...inline(each)) : make("td"))),
      ),
    );
  return make(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": `Table ${number}` },
    make("table", { class: named ? "" : "facts" }, top, make("tbody", {}, rows)),
  );
}

/* Return Markdown as elements; its first heading becomes one of the second order. */
export function markdown(text) {
  const blocks = text
    .replaceAll("\r\n", "\n")
    .split(/\n{2,}|\n(?=#)|(?<=^#.*)\n/m)
    .filter((each) => each.trim());
  let tables = 0;
  return blocks.map((block) => {
    const lines = block.trim().split("\n");
    const heading = /^(#+) (.*)/.exec(lines[0]);
    if (heading) return make(`h${Math.min(6, heading[1].length + 1)}`, {}, ...inline(heading[2]));
    if (lines[0].startsWith("|")) return table(lines, ++tables);
    if (/^[-*] /.test(lines[0]))
      return make(
        "ul",
        {},
        block
          .trim()
          .split(/\n(?=[-*] )/)
          .map((each) => make("li", {}, ...inline(each.slice(2).replaceAll("\n", " ")))),
      );
    return make("p", {}, ...inline(lines.join(" ")));
  });
}
