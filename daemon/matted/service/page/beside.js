// The card that an arrow key leads to, by where the cards are on the screen. Knows cards' boxes alone.

export function beside(cards, card, key) {
  const all = cards.filter((one) => one.offsetParent);
  const place = all.indexOf(card);
  if (place < 0) return all[0];
  if (key === "ArrowRight") return all[place + 1];
  if (key === "ArrowLeft") return all[place - 1];
  if (key === "Home") return all[0];
  if (key === "End") return all[all.length - 1];
  const from = card.getBoundingClientRect();
  const down = key === "ArrowDown";
  const rows = all
    .map((one) => ({ one, box: one.getBoundingClientRect() }))
    .filter(({ box }) => (down ? box.top > from.top + 1 : box.top < from.top - 1));
  const nearest = down ? Math.min(...rows.map(({ box }) => box.top)) : Math.max(...rows.map(({ box }) => box.top));
  const row = rows.filter(({ box }) => Math.abs(box.top - nearest) < 1);
  const off = ({ box }) => Math.abs(box.left + box.width / 2 - from.left - from.width / 2);
  return row.sort((a, b) => off(a) - off(b)).map(({ one }) => one)[0];
}
