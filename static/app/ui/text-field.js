import { html } from "htm/preact";
import { useId, useState } from "preact/hooks";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";

/**
 * A labelled input with a hint under it, or the error in its place. A password has a button that shows it.
 * @param {{
 *   label: string,
 *   name: string,
 *   value: string,
 *   onInput: (value: string) => void,
 *   onBlur?: () => void,
 *   type?: "text" | "email" | "password",
 *   autocomplete?: string,
 *   hint?: string,
 *   error?: string,
 *   maxlength?: number,
 *   inputmode?: "numeric",
 *   autofocus?: boolean,
 *   readonly?: boolean,
 *   children?: import("preact").ComponentChildren,
 * }} props
 */
export function TextField(props) {
  const { label, name, value, onInput, onBlur, type = "text", autocomplete, hint, error, maxlength } = props;
  const id = useId();
  const [shown, setShown] = useState(false);
  const described = error ? `${id}-error` : hint ? `${id}-hint` : undefined;
  const plain = name === "username" || name === "code" || type === "email";
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <span class="input">
      <input id=${id} name=${name} type=${type === "password" && shown ? "text" : type} value=${value}
        autocomplete=${autocomplete} maxlength=${maxlength} inputmode=${props.inputmode} autofocus=${props.autofocus} readonly=${props.readonly}
        autocapitalize=${plain ? "none" : undefined} spellcheck=${plain || type === "password" ? false : undefined}
        dir=${plain ? "ltr" : "auto"} required aria-invalid=${error ? "true" : undefined} aria-describedby=${described}
        onInput=${(/** @type {any} */ event) => onInput(event.currentTarget.value)} onBlur=${onBlur} />
      ${type === "password" && html`<button class="icon-button icon-button-small" type="button"
        aria-label=${t(shown ? "auth.password.hide" : "auth.password.show")} onClick=${() => setShown(!shown)}>
        <${Icon} name=${shown ? "eye-off" : "eye"} size=${18} />
      </button>`}
    </span>
    ${error && html`<span class="field-error" id=${`${id}-error`}><${Icon} name="circle-alert" size=${16} />${error}</span>`}
    ${hint && !error && html`<span class="field-hint" id=${`${id}-hint`}>${hint}</span>`}
    ${props.children}
  </div>`;
}
