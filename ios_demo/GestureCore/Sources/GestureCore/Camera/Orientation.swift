import Foundation

extension Rotation {
    /// Of degrees clockwise, as cameras tell; nil of what is no quarter turn.
    public init?(angle: Double) {
        let quarters = (angle / 90).rounded()
        guard abs(quarters * 90 - angle) < 1 else { return nil }
        let turns = Int(quarters) % 4
        self.init(rawValue: (turns < 0 ? turns + 4 : turns) * 90)
    }
}

/// How stored pixels become the picture that was meant: turned, then flipped from left to right where mirrored.
public struct Orientation: Equatable, Sendable {
    public let rotation: Rotation
    public let mirrored: Bool

    public init(rotation: Rotation, mirrored: Bool) {
        self.rotation = rotation
        self.mirrored = mirrored
    }

    /// Of a video's transform, which takes the stored (x, y), y downwards, to (ax + cy, bx + dy); nil where it is no
    /// quarter turn or flip.
    public init?(a: Double, b: Double, c: Double, d: Double) {
        mirrored = a * d - b * c < 0
        // a flip after the turn negates what becomes x: undone here, only the turn is left
        let (cosine, sine) = mirrored ? (d, b) : (a, b)
        guard let rotation = Rotation(angle: atan2(sine, cosine) * 180 / .pi) else { return nil }
        self.rotation = rotation
    }
}
