/* The form that asks for the token. It goes to the server once, for a cookie that no script reads, and into no address. */

import { ask } from "./api.js";
import { byId } from "./dom.js";

let asking = null;

/* Ask for the token; whoever asks meanwhile waits for the same answer. */
export function unlock() {
  asking ??= new Promise((done) => {
    const [dialog, form, input, error] = ["token", "token-form", "token-text", "token-error"].map(byId);
    const shown = async (event) => {
      event.preventDefault();
      error.textContent = "";
      try {
        await ask("/v1/session", { method: "POST", json: { token: input.value.trim() }, open: true });
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
