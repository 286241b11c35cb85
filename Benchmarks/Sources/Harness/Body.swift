/// One thing that is measured: declared once, and from that timed, counted and watched for allocations.
struct Body {
  let name: String
  /// What its operations are called.
  let unit: String
  /// Does it once, with the part that counts inside the region it is given, and says what was done.
  let run: (Region) -> Done
}
