extension Rotation {
    /// Of degrees clockwise, as cameras and videos tell; nil of what is no quarter turn.
    public init?(angle: Double) {
        let quarters = (angle / 90).rounded()
        guard abs(quarters * 90 - angle) < 1 else { return nil }
        let turns = Int(quarters) % 4
        self.init(rawValue: (turns < 0 ? turns + 4 : turns) * 90)
    }
}
