// Pages of administrators: driver or customer only where the role is of one; secrets to the clipboard.
document.querySelectorAll("form").forEach((form) => {
  const role = form.querySelector("select[name=role]");
  if (!role) return;
  form.querySelectorAll("[data-of-role]").forEach((part) => {
    const input = part.querySelector("input");
    const show = () => {
      const is = role.value === part.dataset.ofRole;
      part.hidden = !is; input.required = is; if (!is) input.value = "";
    };
    role.addEventListener("change", show);
    show();
  });
});

document.querySelectorAll("[data-copy]").forEach((button) => {
  const held = button.parentElement.querySelector("[data-secret]");
  held.addEventListener("focus", () => held.select());
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(held.value);
    button.textContent = button.dataset.copied;
  });
});
