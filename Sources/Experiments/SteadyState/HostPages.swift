/// The host's pages under a guest: the option `host-page`.
enum HostPages: String, CaseIterable {
  case huge = "2M"
  case small = "4K"
}
