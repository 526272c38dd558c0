/* The form that asks for the token. It goes to the server once, for a cookie that no script reads, and into no address. */

import { ask, Refusal } from "./api.js";
import { byId } from "./dom.js";

const TEXT = /^[\x21-\x7e]+$/; // what a token can be made of, and a header can bear

let asking = null;

function show(token) {
  if (!TEXT.test(token)) throw new Refusal("unauthorized", "no token has such letters");
  return ask("/v1/session", {
    method: "POST",
    json: { token },
    headers: { Authorization: `Bearer ${token}` },
    open: true,
  });
}

/* Ask for the token; whoever asks meanwhile waits for the same answer. */
export function unlock() {
  asking ??= new Promise((done) => {
    const [dialog, form, input, error] = ["token", "token-form", "token-text", "token-error"].map(byId);
    const shown = async (event) => {
      event.preventDefault();
      error.textContent = "";
      try {
        await show(input.value.trim());
      } catch (refused) {
        error.textContent = refused.kind === "unauthorized" ? "That is not the token of this server." : refused.message;
        input.select();
        return;
      }
      form.removeEventListener("submit", shown);
      input.value = "";
      dialog.close();
      asking = null;
      done();
    };
    form.addEventListener("submit", shown);
    dialog.addEventListener("cancel", (event) => event.preventDefault()); // there is nothing behind it yet
    dialog.showModal();
    input.focus();
  });
  return asking;
}
