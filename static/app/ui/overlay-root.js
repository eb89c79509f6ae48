import { html } from "htm/preact";
import { AddPeople } from "app/ui/add-people.js";
import { ConfirmDialog } from "app/ui/confirm-dialog.js";
import { ConnectionDialog } from "app/ui/connection-dialog.js";
import { NewConversation } from "app/ui/new-conversation.js";
import { RenameGroup } from "app/ui/rename-group.js";
import { overlays } from "app/ui/router.js";
import { Shortcuts } from "app/ui/shortcuts.js";
import { Switcher } from "app/ui/switcher.js";

/** @type {Record<string, import("preact").ComponentType<any>>} */
const DIALOGS = {
  "add-people": AddPeople,
  "confirm": ConfirmDialog,
  "connection": ConnectionDialog,
  "new": NewConversation,
  "rename": RenameGroup,
  "shortcuts": Shortcuts,
  "switcher": Switcher,
};

/** What is open above the page. */
export function OverlayRoot() {
  return overlays.value.map(({ name, props }) => {
    const Overlay = DIALOGS[name];
    return Overlay && html`<${Overlay} key=${name} ...${props} />`;
  });
}
