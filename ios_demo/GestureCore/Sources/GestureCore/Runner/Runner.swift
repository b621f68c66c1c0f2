/// A loaded artefact: frames in, real logits out. One thread at a time.
public protocol Runner: AnyObject {
    var contract: Contract { get }
    /// Name and version of what computes, and where.
    var runtime: String { get }

    /// Forgets what the stream has seen.
    func reset() throws

    /// The input tensor of a clip, or of one frame of a stream -> logits, one a class.
    func run(_ input: Tensor) throws -> [Float]
}

/// A runtime with a loaded artefact; it knows nothing of streams.
public protocol Engine: AnyObject {
    var runtime: String { get }

    /// One inference. All inputs and the wanted outputs, in the artefact's own order and types.
    func step(_ inputs: [NamedTensor], outputs: [OutputSpec]) throws -> [Tensor]
}

/// A runtime whose artefact keeps the states of a stream (`Contract.stateful`).
public protocol StatefulEngine: Engine {
    /// The states are as before the first frame.
    func reset() throws
}

/// A tensor and its name in the artefact.
public struct NamedTensor: Equatable, Sendable {
    public let name: String
    public let tensor: Tensor

    public init(name: String, tensor: Tensor) {
        self.name = name
        self.tensor = tensor
    }
}

/// What an output is called and what comes.
public struct OutputSpec: Equatable, Sendable {
    public let name: String
    public let shape: [Int]
    public let dtype: ElementType

    public init(name: String, shape: [Int], dtype: ElementType) {
        self.name = name
        self.shape = shape
        self.dtype = dtype
    }
}
