/// What can compute on this phone.
public enum RuntimeKey: String, CaseIterable, Sendable {
    case coreml
    case executorch

    /// Of an artefact's file.
    public var suffix: String { self == .coreml ? "mlpackage" : "pte" }

    /// Name and version of what computes, and where, as the screen and a benchmark's file say it.
    ///
    /// - Parameter version: nil where it is not known.
    public func title(version: String?, on place: String) -> String {
        let name = self == .coreml ? "Core ML" : "ExecuTorch"
        return "\(name) \(version ?? "of unknown version") (\(place))"
    }
}

/// Where Core ML may compute; the names are coremltools' own.
public enum ComputeUnits: String, CaseIterable, Sendable {
    case all = "ALL"
    case cpuAndNeuralEngine = "CPU_AND_NE"
    case cpuAndGPU = "CPU_AND_GPU"
    case cpuOnly = "CPU_ONLY"
}

/// What the person chose.
public struct ModelChoice: Equatable, Sendable {
    public var model: InstalledModel
    /// Without meaning for ExecuTorch.
    public var computeUnits: ComputeUnits

    public init(model: InstalledModel, computeUnits: ComputeUnits = .all) {
        self.model = model
        self.computeUnits = computeUnits
    }
}
