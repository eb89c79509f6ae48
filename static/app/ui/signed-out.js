import { signal, useSignal } from "@preact/signals";
import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { AuthLayout, Note } from "app/ui/auth-layout.js";
import { confirm } from "app/ui/confirm-dialog.js";
import { useApp } from "app/ui/context.js";
import { t } from "app/ui/strings.js";

/** Why this device is signed out; null after a fresh load. */
export const signedOutBy = signal(/** @type {"user" | "revoked" | "expired" | "elsewhere" | null} */ (null));

/** The page after a session: why it ended, what is kept, and the ways on. */
export function SignedOut() {
  const app = useApp();
  const kept = useSignal(/** @type {{ user: { display_name: string }, waiting: number, drafts: number } | null} */ (null));
  const removed = useSignal(false);
  useEffect(() => {
    app.kept.summary().then((summary) => { kept.value = summary; }, () => { kept.value = null; });
  }, [app]);
  const own = signedOutBy.value === "user";
  const remove = () => confirm({
    title: t("out.remove.sure"),
    body: t("out.remove.body"),
    confirm: t("out.remove.confirm"),
    action: async () => {
      await app.kept.forget();
      kept.value = null;
      removed.value = true;
    },
  });
  const { waiting = 0, drafts = 0 } = kept.value ?? {};
  return html`<${AuthLayout} title=${t(own ? "out.self.title" : "out.title")} lead=${t(own ? "out.self.lead" : "out.lead")}>
    <div class="auth-form">
      ${kept.value && waiting + drafts > 0 && html`<${Note} head=${keptText(waiting, drafts)} body=${t("out.kept.body", { name: kept.value.user.display_name })} />`}
      ${removed.value && html`<${Note} tone="ok" head=${t("out.remove.done")} />`}
      <a class="button button-primary button-large button-block" href="/sign-in">${t("out.again")}</a>
      ${kept.value && !own && html`<button class="button button-danger-ghost button-block" type="button" onClick=${remove}>${t("out.remove")}</button>`}
    </div>
  <//>`;
}

/** @param {number} waiting @param {number} drafts */
function keptText(waiting, drafts) {
  if (drafts === 0) return t("out.kept.waiting", { n: waiting });
  if (waiting === 0) return t("out.kept.drafts", { n: drafts });
  return t("out.kept.both", { waiting: t("out.unsent", { n: waiting }), drafts: t("out.drafts", { n: drafts }) });
}
