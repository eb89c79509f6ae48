import { titleOf } from "app/core/select.js";
import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { Banner } from "app/ui/banner.js";
import { Composer } from "app/ui/composer.js";
import { useApp, useSelect } from "app/ui/context.js";
import { ConversationHeader } from "app/ui/conversation-header.js";
import { everSynced } from "app/ui/ever-synced.js";
import { Icon } from "app/ui/icon.js";
import { isMember } from "app/ui/message-commands.js";
import { MessageMenu } from "app/ui/message-menu.js";
import { TimelineSkeleton } from "app/ui/skeleton.js";
import { t } from "app/ui/strings.js";
import { Timeline } from "app/ui/timeline.js";
import { TypingRow } from "app/ui/typing-row.js";
import { isCoarse } from "app/ui/use-media.js";

/** The same words for what isn't there and for what one may not see. */
export function Missing() {
  return html`<main class="pane main-pane welcome"><div class="empty">
    <span class="empty-icon"><${Icon} name="unlink" size=${24} /></span>
    <h2>${t("conv.missing")}</h2>
    <p>${t("conv.missing.body")}</p>
    <div class="empty-actions"><a class="button button-secondary" href="/">${t("conv.back.chats")}</a></div>
  </div></main>`;
}

/** @param {{ id: string }} props */
export function Conversation({ id }) {
  const app = useApp();
  const here = useSelect((state) => id in state.conversations, [id]);
  const title = useSelect((state) => (state.conversations[id] ? titleOf(state, state.conversations[id]) : ""), [id]);
  const member = useSelect(() => isMember(app, id), [id]);
  useEffect(() => {
    if (here && !isCoarse.peek()) document.getElementById("composer")?.focus({ preventScroll: true });
  }, [id, here]);
  if (!here && everSynced.value) return html`<${Missing} />`;
  if (!here) return html`<main class="pane main-pane conversation" aria-label=${t("conv.older.loading")}><span></span><span></span><${TimelineSkeleton} /></main>`;
  return html`<main class="main-pane conversation" id="main" aria-label=${title}>
    <${ConversationHeader} id=${id} />
    <${Banner} />
    <${Timeline} key=${id} id=${id} />
    <div class="foot"><div class="foot-inner">
      <${TypingRow} id=${id} />
      ${member ? html`<${Composer} key=${id} id=${id} title=${title} />` : html`<p class="closed">${t("conv.left")}</p>`}
    </div></div>
    <${MessageMenu} />
  </main>`;
}
