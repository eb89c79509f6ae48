import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "app/ui/strings.js";
import { TextField } from "app/ui/text-field.js";
import { useElement } from "app/ui/use-element.js";

/**
 * Asks for the code of the authenticator app, or for a recovery code.
 * @param {{ error: string, busy: boolean, submit: string, recovery?: boolean, onSubmit: (code: string) => void }} props
 *   `recovery`: a recovery code is good too
 */
export function CodeForm({ error, busy, submit, recovery = false, onSubmit }) {
  const form = useElement(HTMLFormElement);
  const [code, setCode] = useState("");
  const [paper, setPaper] = useState(false);
  const [tried, setTried] = useState(false);
  // The browser heeds `autofocus` on a page that it loads, not on a field that comes later.
  useEffect(() => {
    form.current?.querySelector("input")?.focus();
  }, [paper]);
  const send = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    setTried(true);
    if (!busy && code.trim()) onSubmit(code.trim());
  };
  const change = () => {
    setPaper(!paper);
    setCode("");
    setTried(false);
  };
  return html`<form class="auth-form" novalidate onSubmit=${send} ref=${form}>
    <${TextField} key=${paper} name="code" value=${code} onInput=${setCode} maxlength=${40}
      label=${t(paper ? "code.recovery.label" : "code.label")} hint=${t(paper ? "code.recovery.hint" : "code.hint")}
      autocomplete=${paper ? "off" : "one-time-code"} inputmode=${paper ? undefined : "numeric"}
      error=${tried && !code.trim() ? t("auth.required") : error} />
    <button class="button button-primary button-large button-block" type="submit" aria-disabled=${busy}>${submit}</button>
    ${recovery && html`<button class="text-button" type="button" onClick=${change}>${t(paper ? "code.app" : "code.lost")}</button>`}
  </form>`;
}
