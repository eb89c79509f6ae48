import { typingNames } from "app/core/select.js";
import { html } from "htm/preact";
import { isConnected } from "app/ui/connection-words.js";
import { useSelect } from "app/ui/context.js";
import { t } from "app/ui/strings.js";

/** Who is typing; its room is always reserved. Not for screen readers. @param {{ id: string }} props */
export function TypingRow({ id }) {
  const names = useSelect((state) => {
    const conversation = state.conversations[id];
    return conversation && isConnected(state.connection) ? typingNames(state, conversation).join("\n") : "";
  }, [id]);
  const [a, b, more] = names.split("\n");
  const text = more ? t("typing.many") : b ? t("typing.two", { a, b }) : t("typing.one", { a });
  return html`<div class="typing" aria-hidden="true">
    ${a && html`<span class="dots"><i></i><i></i><i></i></span><span>${text}</span>`}
  </div>`;
}
