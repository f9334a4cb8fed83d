// Pages of administrators: the driver only where the role is driver; secrets to the clipboard.
document.querySelectorAll("form").forEach((form) => {
  const role = form.querySelector("select[name=role]"), driver = form.querySelector("[data-of-role]");
  if (!role || !driver) return;
  const input = driver.querySelector("input");
  const show = () => {
    const is = role.value === driver.dataset.ofRole;
    driver.hidden = !is; input.required = is; if (!is) input.value = "";
  };
  role.addEventListener("change", show);
  show();
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
