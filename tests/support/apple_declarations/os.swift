// What the app uses of unified logging.
public final class OSLog {
    public struct Category: Sendable { public static let pointsOfInterest = Category() }
}
public final class OSSignpostIntervalState: @unchecked Sendable {}
public struct OSSignposter: Sendable {
    public init(subsystem: String, category: OSLog.Category) {}
    public func beginInterval(_ name: StaticString) -> OSSignpostIntervalState { fatalError() }
    public func endInterval(_ name: StaticString, _ state: OSSignpostIntervalState) {}
}
