import { html } from "htm/preact";
import { useId, useLayoutEffect } from "preact/hooks";
import { Icon } from "app/ui/icon.js";
import { closeOverlay } from "app/ui/router.js";
import { t } from "app/ui/strings.js";
import { useElement } from "app/ui/use-element.js";

/**
 * Shows the dialog above everything and gives the focus back to its opener when it goes,
 * or to the message box if the opener is gone.
 * @returns {import("preact").RefObject<HTMLDialogElement>}
 */
export function useModal() {
  const ref = useElement(HTMLDialogElement);
  useLayoutEffect(() => {
    const dialog = ref.current;
    const opener = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      const target = opener instanceof HTMLElement && opener.isConnected && opener !== document.body
        ? opener
        : document.getElementById("composer");
      target?.focus({ preventScroll: true });
    };
  }, []);
  return ref;
}

/** @param {Event} event */
export function onCancel(event) {
  event.preventDefault();
  closeOverlay();
}

/**
 * A native modal dialog with a title, a body that scrolls and a foot. `scrolls`: the body holds
 * nothing that takes the focus, so it takes it itself and the keys can scroll it.
 * @param {{
 *   title: string,
 *   size?: "small" | "wide" | "",
 *   role?: "alertdialog",
 *   describedBy?: string,
 *   scrolls?: boolean,
 *   onSubmit?: (event: SubmitEvent) => void,
 *   foot?: import("preact").ComponentChildren,
 *   children?: import("preact").ComponentChildren,
 * }} props
 */
export function Dialog({ title, size = "", role, describedBy, scrolls = false, onSubmit, foot, children }) {
  const ref = useModal();
  const id = useId();
  const inner = html`
    <header class="dialog-head">
      <h2 id=${id}>${title}</h2>
      ${role !== "alertdialog" && html`<button class="icon-button" type="button" aria-label=${t("dialog.close")} onClick=${closeOverlay}>
        <${Icon} name="x" />
      </button>`}
    </header>
    <div class="dialog-body" tabindex=${scrolls ? 0 : undefined}>${children}</div>
    ${foot && html`<footer class="dialog-foot">${foot}</footer>`}`;
  /** @param {MouseEvent} event */
  const onBackdrop = (event) => {
    if (event.target === ref.current) closeOverlay();
  };
  return html`<dialog ref=${ref} class=${`dialog${size ? ` dialog-${size}` : ""}`} role=${role}
      aria-labelledby=${id} aria-describedby=${describedBy} onCancel=${onCancel} onMouseDown=${onBackdrop}>
    ${onSubmit ? html`<form class="dialog-inner" novalidate onSubmit=${onSubmit}>${inner}</form>` : inner}
  </dialog>`;
}
