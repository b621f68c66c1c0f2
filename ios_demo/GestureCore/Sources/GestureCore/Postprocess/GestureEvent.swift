/// A gesture begins or ends.
public struct GestureEvent: Equatable, Sendable {
    public enum Kind: String, Sendable {
        case begin
        case end
    }

    public let kind: Kind
    /// Class id.
    public let label: Int
    /// Of the frame that decided it; for an end by a stall or a reset, of the last frame before.
    public let timeMs: Int
    /// The label's score (0 to 1) at that frame.
    public let confidence: Double

    public init(kind: Kind, label: Int, timeMs: Int, confidence: Double) {
        self.kind = kind
        self.label = label
        self.timeMs = timeMs
        self.confidence = confidence
    }
}
