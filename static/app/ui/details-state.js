/** Whether the details stand beside (or over) the conversation. */
import { computed, signal } from "@preact/signals";
import { closeOverlay, hasOverlay, openOverlay } from "app/ui/router.js";
import { isWide } from "app/ui/use-media.js";

/** Docked, on wide screens: stays open from conversation to conversation. */
const docked = signal(false);

/** On narrow screens the panel is an overlay, so Back closes it. */
export const panelOpen = computed(() => (isWide.value ? docked.value : hasOverlay("details")));

export function togglePanel() {
  if (isWide.peek()) docked.value = !docked.peek();
  else if (hasOverlay("details")) closeOverlay();
  else openOverlay("details");
}

export function closePanel() {
  if (panelOpen.peek()) togglePanel();
}
