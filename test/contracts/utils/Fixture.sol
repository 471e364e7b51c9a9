// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {IFineTuningTypes} from "../../../contracts/interfaces/IFineTuningTypes.sol";
import {IInferenceTypes} from "../../../contracts/interfaces/IInferenceTypes.sol";
import {ServingParameters} from "../../../contracts/interfaces/ServingParameters.sol";
import {FineTuning, Inference, Ledger, StakesContract} from "./Network.sol";

/// A network without an owner, a provider with both services, and helpers that act for users and enclaves.
abstract contract Fixture is Test {
    string internal constant INFERENCE = "inference-v1.0";
    string internal constant FINE_TUNING = "fine-tuning-v1.0";
    uint256 internal constant LOCK = 1 days;
    uint256 internal constant MIN_STAKE = 100 ether;
    uint256 internal constant PENALTY = 30;
    uint256 internal constant TEE_KEY = 0x7ee;
    uint256 internal constant OTHER_KEY = 0xbad;

    Ledger internal ledger;
    StakesContract internal stakes;
    Inference internal inference;
    FineTuning internal fineTuning;

    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");
    address internal provider = makeAddr("provider");
    address internal tee = vm.addr(TEE_KEY);

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        _deploy(address(0));
        vm.deal(alice, 1000 ether);
        vm.deal(bob, 1000 ether);
        vm.deal(provider, 1000 ether);
        _registerInference(provider, tee);
        _registerFineTuning(provider, tee);
    }

    function _deploy(address owner) internal {
        ledger = _newLedger(address(this));
        stakes = StakesContract(deployCode("Stakes.sol:Stakes", abi.encode(LOCK)));
        inference = _newInference(_parameters(owner));
        fineTuning = _newFineTuning(_parameters(owner), PENALTY);
        ledger.registerService("inference", "v1.0", address(inference), "inference serving service v1.0");
        ledger.registerService("fine-tuning", "v1.0", address(fineTuning), "fine-tuning serving service v1.0");
        if (owner == address(0)) ledger.renounceOwnership();
    }

    function _newLedger(address owner) internal returns (Ledger) {
        return Ledger(deployCode("LedgerManager.sol:LedgerManager", abi.encode(owner)));
    }

    function _newInference(ServingParameters memory p) internal returns (Inference) {
        return Inference(deployCode("InferenceServing.sol:InferenceServing", abi.encode(p)));
    }

    function _newFineTuning(ServingParameters memory p, uint256 penalty) internal returns (FineTuning) {
        return FineTuning(deployCode("FineTuningServing.sol:FineTuningServing", abi.encode(p, penalty)));
    }

    /// Why a deployment fails.
    function _createReason(string memory what, bytes memory args) internal returns (bytes memory reason) {
        bytes memory code = abi.encodePacked(vm.getCode(what), args);
        assembly ("memory-safe") {
            if create(0, add(code, 32), mload(code)) { revert(0, 0) }
            reason := mload(0x40)
            mstore(reason, returndatasize())
            returndatacopy(add(reason, 32), 0, returndatasize())
            mstore(0x40, add(add(reason, 32), and(add(returndatasize(), 31), not(31))))
        }
    }

    function _parameters(address owner) internal view returns (ServingParameters memory) {
        return ServingParameters(address(ledger), stakes, owner, LOCK, 1 hours, MIN_STAKE);
    }

    /* PROVIDERS */

    function _params(address signer) internal pure returns (IInferenceTypes.ServiceParams memory p) {
        p.serviceType = "chatbot";
        p.url = "https://provider.example";
        p.model = "demo";
        p.verifiability = "TeeML";
        p.inputPrice = 10;
        p.outputPrice = 20;
        p.teeSignerAddress = signer;
    }

    function _registerInference(address who, address signer) internal {
        vm.deal(who, who.balance + MIN_STAKE);
        vm.prank(who);
        inference.addOrUpdateService{value: MIN_STAKE}(_params(signer));
    }

    function _offer(address who, address signer, uint256 value) internal {
        vm.prank(who);
        fineTuning.addOrUpdateService{value: value}(
            "https://tune.example", _quota(), 5, false, _models(), signer
        );
    }

    function _registerFineTuning(address who, address signer) internal {
        vm.deal(who, who.balance + MIN_STAKE);
        _offer(who, signer, MIN_STAKE);
    }

    function _quota() internal pure returns (IFineTuningTypes.Quota memory) {
        return IFineTuningTypes.Quota(8, 64, 1, 500, "H100");
    }

    function _models() internal pure returns (string[] memory models) {
        models = new string[](1);
        models[0] = "demo";
    }

    /* USERS */

    function _fund(address user, address who, string memory service, uint256 amount) internal {
        vm.deal(user, user.balance + amount);
        vm.startPrank(user);
        ledger.depositFund{value: amount}();
        ledger.transferFund(who, service, amount);
        vm.stopPrank();
    }

    function _retrieve(address user, address who, string memory service) internal {
        vm.prank(user);
        ledger.retrieveFund(_one(who), service);
    }

    function _one(address who) internal pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = who;
    }

    function _available(address user) internal view returns (uint256) {
        return ledger.getLedger(user).availableBalance;
    }

    function _total(address user) internal view returns (uint256) {
        return ledger.getLedger(user).totalBalance;
    }

    function _account(address user) internal view returns (IInferenceTypes.Account memory) {
        return inference.getAccount(user, provider);
    }

    function _tuning(address user) internal view returns (IFineTuningTypes.AccountDetails memory) {
        return fineTuning.getAccount(user, provider);
    }

    /* ENCLAVES */

    function _row(address user, uint256 fee, uint256 nonce)
        internal
        view
        returns (IInferenceTypes.TEESettlementData memory)
    {
        return _signedRow(TEE_KEY, user, provider, fee, nonce);
    }

    function _signedRow(uint256 key, address user, address who, uint256 fee, uint256 nonce)
        internal
        view
        returns (IInferenceTypes.TEESettlementData memory row)
    {
        row = IInferenceTypes.TEESettlementData(user, who, fee, keccak256("requests"), nonce, "");
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "TEESettlement(bytes32 requestsHash,uint256 nonce,address provider,address user,uint256 totalFee)"
                ),
                row.requestsHash,
                nonce,
                who,
                user,
                fee
            )
        );
        row.signature = _sign(key, address(inference), "0G Inference Serving", structHash);
    }

    function _settle(IInferenceTypes.TEESettlementData memory row)
        internal
        returns (IInferenceTypes.SettlementStatus)
    {
        IInferenceTypes.TEESettlementData[] memory rows = new IInferenceTypes.TEESettlementData[](1);
        rows[0] = row;
        vm.prank(row.provider);
        return inference.settleFeesWithTEE(rows)[0];
    }

    function _input(address user, string memory id, bytes memory secret, uint256 nonce, uint256 fee)
        internal
        view
        returns (IFineTuningTypes.VerifierInput memory input)
    {
        input = IFineTuningTypes.VerifierInput(id, secret, hex"aa", nonce, "", fee, user);
        _signInput(input, TEE_KEY);
    }

    function _signInput(IFineTuningTypes.VerifierInput memory input, uint256 key) internal view {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "VerifierMessage(string id,bytes encryptedSecret,bytes modelRootHash,uint256 nonce,uint256 taskFee,address user)"
                ),
                keccak256(bytes(input.id)),
                keccak256(input.encryptedSecret),
                keccak256(input.modelRootHash),
                input.nonce,
                input.taskFee,
                input.user
            )
        );
        input.signature = _sign(key, address(fineTuning), "0G Fine-Tuning Serving", structHash);
    }

    /// Written out on purpose: the tests do not use the contract's own domain separator.
    function _sign(uint256 key, address verifier, string memory name, bytes32 structHash)
        internal
        view
        returns (bytes memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(verifier, name, structHash));
        return abi.encodePacked(r, s, v);
    }

    function _digest(address verifier, string memory name, bytes32 structHash)
        internal
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifier
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}
